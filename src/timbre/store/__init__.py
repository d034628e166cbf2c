"""PostgreSQL: embedded or external, its tables, its queries, and the queue in it."""
