"""The console's pages, for operators: server-rendered, in Chinese and English, with the look and the headers of all our pages.

`shell` puts them into the application, `doors` says who comes in and what they may do, `rendering` makes a page of a template.
A new page is a function in a module of its own:

    pages = Pages("policies")

    @pages.get("/policies/<policy_id>")
    @requires(Act.READ_POLICY)
    def show(policy_id: str) -> Response:
        return page("console/policies/show.html", policy=console().…)

plus a line in `shell.ROOMS`, and one in `navigation.ENTRIES` where people should find it. A form carries
`{{ form_key() }}`; whatever is sent without it, or by somebody who may not, is refused before the view is called.
"""
