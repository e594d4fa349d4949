"""A Streamlit page of capacity, headroom, forecast and what-if."""
