"""How a command's process begins and ends, and what becomes of its output."""
