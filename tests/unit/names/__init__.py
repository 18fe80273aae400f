"""The names that Kubernetes generates."""
