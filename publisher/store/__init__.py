"""The only code that knows SQL: schema, migrations, one module for each noun."""
