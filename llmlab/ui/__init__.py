"""The Streamlit pages, one file each, thin: they ask the other rooms and show the answer."""
