"""Everything that a person looks at: pages, pictures, tables on a terminal. It draws, and knows no task."""
