"""Where quotes come from: the replayed market, and programs that push ticks. One process merges them onto the board."""
