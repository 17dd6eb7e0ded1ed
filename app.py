"""`streamlit run app.py`: language, navigation, run."""

from streamlit.starlette import App

from llmlab.ui import opened, shell

if __name__ == "__main__":  # the script, at each run of a session
    shell.run()
else:  # the module that the server loads once, before any browser has come
    opened.warm()
    app = App(__file__)
