"""Where decisions become durable: schema, migrations, the store, the spool, and the journal over both.

May block (it talks to databases and disks); imports ``messages`` only.
"""
