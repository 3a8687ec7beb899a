"""The commands of `bluecurrent-fimp`."""
