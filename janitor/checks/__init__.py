"""What `doctor` needs to know: the rights of a sweep, whether they are granted, what mends what."""
