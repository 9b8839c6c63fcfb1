"""Articles to RSS, Atom and JSON Feed (the only code that knows feedgen), and the step that publishes them."""
