"""Every query of the read models; permissions are the caller's."""
