"""The projector: batches of the event store become rows, with the checkpoint in one transaction."""
