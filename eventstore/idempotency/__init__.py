"""A retry never executes twice: which command ids a store knows, in the writer's memory and beside the pages."""
