"""The janitor in a real cluster: kind, a real kubelet, a real restic."""
