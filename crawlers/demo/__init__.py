"""What ships with the package to be looked at: a small web site, a database of orders, a folder of notes."""
