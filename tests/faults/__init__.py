"""Faults of a sweep under way: network, disk, clock, signals, rivals, memory."""
