"""How Alembic reaches the database: on the connection, transaction and lock that ``ops.migrate`` gives it."""

from alembic import context

connection = context.config.attributes.get("connection")
version_table = context.config.attributes["version_table"]

if connection is None:
    # Only the SQL is wanted.
    context.configure(
        dialect_name=context.config.attributes["dialect"],
        dialect_opts={"paramstyle": "named"},
        output_buffer=context.config.attributes["output"],
        transactional_ddl=True,
        version_table=version_table,
    )
    context.config.attributes["watch"](context.get_context().impl)
else:
    # One transaction for all revisions: a failed upgrade leaves the database as it was.
    context.configure(connection=connection, transactional_ddl=True, version_table=version_table)

with context.begin_transaction():
    context.run_migrations()
