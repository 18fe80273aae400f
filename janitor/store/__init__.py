"""Where repositories are kept: one small module for each backend behind one tiny interface."""
