"""The hub's language: topics, messages, reports and descriptions. Pure: no sockets, no clocks."""
