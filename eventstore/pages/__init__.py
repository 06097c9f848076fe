"""Pages: the journal once more, by aggregate, with the state before each: any instant is one look-up away."""
