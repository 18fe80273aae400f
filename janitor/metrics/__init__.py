"""What a sweep tells Prometheus: the numbers of its last run, in a file or by a Pushgateway."""
