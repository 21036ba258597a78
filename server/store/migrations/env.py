"""Alembic's environment: runs on the connection that `Database.migrate` gives, inside its transaction."""

from alembic import context

from server.store import models

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=models.ClassifierRow.metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
