"""The Node-RED flows in a real Node-RED, between a real broker, the bridge and the simulated cloud."""
