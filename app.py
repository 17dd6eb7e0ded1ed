"""`streamlit run app.py`: language, navigation, run."""

from llmlab.ui import shell

shell.run()
