"""What a server, a file system or the network might make the janitor give away or destroy."""
