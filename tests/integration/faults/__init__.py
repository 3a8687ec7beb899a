"""The fault rig: a real bridge process between a simulated cloud and a real broker, with faults drawn from a seed."""
