"""Archive and retention: what left the journal, kept in Avro files that any tool can read and everybody can verify."""
