"""Requests to other servers: recordings to fetch, webhooks to deliver."""
