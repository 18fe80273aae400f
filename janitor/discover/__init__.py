"""Where repositories come from: the configuration, and later each system that knows some."""
