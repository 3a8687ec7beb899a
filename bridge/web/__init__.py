"""The HTTP server: status page, JSON, health and metrics, all read-only (contract 9)."""
