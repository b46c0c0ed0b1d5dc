"""From geometry to cells to slots: what makes a question about a place cheap, and exact."""
