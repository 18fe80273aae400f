"""The only part that speaks with Kubernetes (or reads a file that kubectl wrote)."""
