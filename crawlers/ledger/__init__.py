"""The one database: frontier, records, rejections, signatures, captures, media and runs.

``tables`` draws it, ``database`` opens it, ``frontier`` hands out leases, ``settlement`` commits pages, and the
others read and keep one table each. Nothing else in the package writes SQL.
"""
