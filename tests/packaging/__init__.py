"""The wheel and the source archive, installed and run."""
