"""`/docs/`: the Markdown files of the repository as pages, as Markdown for programs, and `/llms.txt` to lead there.

`docs/README.md` lists the documents; what is not on its list is no page. Links are led from file to page, so that one
text serves the site and a Git host.
"""

import posixpath
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from api.problems import PROBLEMS
from botwire_site.visitors import markdown
from botwire_site.visitors.frame import page, visitor_page
from namespaces.limits import LIMITS, limit

INDEX = "docs/README.md"
_LISTED = re.compile(r"^- \[(?P<title>[^]]+)\]\((?P<target>[^)]+)\): (?P<about>.+)$", re.MULTILINE)
_MEMBERS = re.compile(r"^\| \d{3} \| `(?P<code>\w+)` \|.*\| (?P<members>[^|]*)\|$", re.MULTILINE)
PICTURES = (".png", ".webp", ".jpg", ".svg")
PROGRAMS = {"examples": (".py",), "deploy": (".conf", ".cfg")}


@dataclass(frozen=True, slots=True)
class Document:
    """A Markdown file that is a page: its name in addresses, its title, one sentence, its path in the repository."""

    name: str
    title: str
    about: str
    path: str

    @property
    def text(self) -> str:
        return (settings.BASE_DIR / self.path).read_text()

    @property
    def about_text(self) -> str:
        """The sentence without its marks of code, for what shows no Markdown."""
        return self.about.replace("`", "")


@cache
def documents() -> dict[str, Document]:
    """Every document by its name, in the order in which `docs/README.md` lists them."""
    found = {}
    for listed in _LISTED.finditer((settings.BASE_DIR / INDEX).read_text()):
        path = posixpath.normpath(posixpath.join("docs", listed["target"]))
        name = _name_of(path)
        found[name] = Document(name, listed["title"], listed["about"], path)
    return found


def _name_of(path: str) -> str:
    """`docs/http.md` is `http`, `client/README.md` is `client`."""
    file = Path(path)
    return file.parent.name if file.name == "README.md" else file.stem


def address_of(target: str, page_path: str, *, suffix: str = "") -> str | None:
    """Where a link from the file `page_path` leads on the site; None where the site has no such thing.

    `suffix` is `.md` for links between the Markdown of pages.
    """
    parts = urlsplit(target)
    if parts.scheme or not parts.path or parts.path.startswith("/"):
        return target
    path = posixpath.normpath(posixpath.join(posixpath.dirname(page_path), parts.path))
    fragment = f"#{parts.fragment}" if parts.fragment else ""
    if path == INDEX:
        return reverse("documents")
    if path in {document.path for document in documents().values()}:
        return f"{reverse('documents')}{_name_of(path)}{suffix}{fragment}"
    below = path.removeprefix("docs/")
    return f"{reverse('documents')}{below}" if below in _attached() else None


@cache
def _attached() -> dict[str, Path]:
    """What may be read beside the documents, by its path below `/docs/`: pictures, programs, configurations."""
    pictures = {file.relative_to(settings.BASE_DIR / "docs"): file for file in _files("docs", PICTURES)}
    programs = {
        file.relative_to(settings.BASE_DIR): file
        for folder, suffixes in PROGRAMS.items()
        for file in _files(folder, suffixes)
    }
    return {path.as_posix(): file for path, file in (pictures | programs).items()}


def _files(folder: str, suffixes: tuple[str, ...]) -> list[Path]:
    return [file for file in (settings.BASE_DIR / folder).rglob("*") if file.suffix in suffixes]


@cache
def _rendered(path: str) -> markdown.Rendered:
    text = (settings.BASE_DIR / path).read_text()
    return markdown.render(text, lambda target: address_of(target, path))


def _document(name: str) -> Document:
    if name not in documents():
        raise Http404
    return documents()[name]


@visitor_page
def index(request: HttpRequest) -> HttpResponse:
    """`/docs/`: which documents there are."""
    return page(request, "documents.html", {"documents": documents().values()})


@visitor_page
def to_index(request: HttpRequest) -> HttpResponse:
    """`/docs` leads to the list, whose address ends in a slash."""
    return redirect("documents")


@visitor_page
def document(request: HttpRequest, name: str) -> HttpResponse:
    """`/docs/<name>`: one document, beside the list of all, with its own table of contents."""
    chosen = _document(name)
    rendered = _rendered(chosen.path)
    contents = [heading for heading in rendered.headings if heading.level in (2, 3)]
    context = {"document": chosen, "documents": documents().values(), "html": rendered.html, "contents": contents}
    return page(request, "document.html", context)


@visitor_page
def error_codes(request: HttpRequest) -> HttpResponse:
    """`/docs/errors`: every error code, each with an anchor: the address that a problem's `type` names."""
    chosen = _document("errors")
    members = {row["code"]: re.findall(r"`(\w+)`", row["members"]) for row in _MEMBERS.finditer(chosen.text)}
    problems = [(code, problem, members.get(code, ())) for code, problem in PROBLEMS.items()]
    return page(
        request,
        "error_codes.html",
        {"document": chosen, "documents": documents().values(), "problems": problems},
    )


@visitor_page
def as_markdown(request: HttpRequest, name: str) -> HttpResponse:
    """`/docs/<name>.md`: the document's Markdown, its links leading to the Markdown of others."""
    chosen = _document(name)
    text = markdown.with_targets(chosen.text, lambda target: address_of(target, chosen.path, suffix=".md"))
    return HttpResponse(text, content_type="text/markdown; charset=utf-8")


@visitor_page
def attachment(request: HttpRequest, path: str) -> HttpResponseBase:
    """A picture of docs/ as a file, or a program or a configuration as a page."""
    file = _attached().get(path)
    if file is None:
        raise Http404
    if file.suffix in PICTURES:
        return FileResponse(file.open("rb"))
    return page(request, "program.html", {"path": path, "text": file.read_text(), "documents": documents().values()})


@visitor_page
def llms(request: HttpRequest) -> HttpResponse:
    """`/llms.txt` (llmstxt.org): all that an AI agent needs to use this server, in one fetch."""
    limits = [(limit(row.name), row.sentence) for row in LIMITS]
    answer = page(request, "llms.txt", {"documents": documents().values(), "limits": limits})
    answer["Content-Type"] = "text/plain; charset=utf-8"
    return answer


@visitor_page
def licence(request: HttpRequest) -> HttpResponse:
    """`/licence`: under which terms BotWire may be used."""
    return HttpResponse((settings.BASE_DIR / "LICENSE").read_text(), content_type="text/plain; charset=utf-8")
