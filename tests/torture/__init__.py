"""Real torture: real restic on three stores, janitors that sweep without a pause, random SIGKILLs.

    python -m tests.torture --backups 200 --seed 7

Backups run under the nodenames of stand-in pods, whose status follows the truth a second later. The
janitors may remove a lock after a few seconds already, so a living backup is protected by nothing
but what the API says about its pod. Whoever removes a living one's lock is caught three times: by
the truth about the process, by a `prune` that then gets in and takes the backup's data away, and
by `restic check --read-data` at the end.

What is done is the seed's; when exactly is the machine's, so a failure need not come again.
"""
