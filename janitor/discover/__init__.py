"""Where repositories come from: the configuration, and each system that knows some."""
