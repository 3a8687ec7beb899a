"""One module per FIMP service: which commands it takes, what it asks of the cloud, what it reports."""
