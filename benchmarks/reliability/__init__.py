"""What a server stands: parts that die, freeze and run out of room, and more work than usual; on real processes.

`chaos` breaks things while jobs come in and counts what became of every job; `load` brings much at once and watches
what it costs. Both stand on `fleet` (the processes), `outside` (who hands out recordings and takes webhooks),
`traffic` (who submits and does not give up) and `ledger` (what has to be true in the end).
"""
