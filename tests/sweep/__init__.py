"""The program from end to end: sweep, list, explain, put-back and the command line."""
