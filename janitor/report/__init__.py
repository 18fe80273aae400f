"""What the janitor tells: lines for machines, tables and sentences for people."""
