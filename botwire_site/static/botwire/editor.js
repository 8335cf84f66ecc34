// An editor for JSON in place of the text area, whose text it keeps up to date. Without it, the text area is the editor.
// It lives in a shadow root: its style sheets are made there by script, which the page's policy allows without a nonce.
import {
  EditorState, EditorView, HighlightStyle, bracketMatching, defaultKeymap, drawSelection, foldGutter, foldKeymap,
  highlightActiveLine, highlightSpecialChars, history, historyKeymap, json, jsonParseLinter, keymap, lineNumbers, linter,
  syntaxHighlighting, tags,
} from "./vendor/codemirror/codemirror.js";

const LARGEST = 300000; // characters; beyond it the text area alone is quicker

const theme = EditorView.theme({
  "&": { color: "var(--body-fg)", backgroundColor: "var(--body-bg)", border: "1px solid var(--border-color)", borderRadius: "4px", fontSize: "13px" },
  "&.cm-focused": { outline: "2px solid var(--link-fg)", outlineOffset: "1px" },
  ".cm-scroller": { fontFamily: "var(--font-family-monospace)", minHeight: "18rem", maxHeight: "40rem" },
  ".cm-content": { caretColor: "var(--body-fg)" },
  ".cm-cursor": { borderLeftColor: "var(--body-fg)" },
  ".cm-gutters": { backgroundColor: "var(--darkened-bg)", color: "var(--body-quiet-color)", borderRight: "1px solid var(--hairline-color)" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--body-fg) 5%, transparent)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "color-mix(in srgb, var(--link-fg) 35%, transparent)" },
  ".cm-tooltip": { backgroundColor: "var(--body-bg)", color: "var(--body-fg)", border: "1px solid var(--border-color)" },
  ".cm-foldPlaceholder": { backgroundColor: "var(--darkened-bg)", color: "var(--body-fg)", border: "1px solid var(--border-color)" },
});
const colours = HighlightStyle.define([
  { tag: tags.propertyName, color: "var(--link-fg)" },
  { tag: tags.string, color: "var(--memory-string)" },
  { tag: tags.number, color: "var(--memory-number)" },
  { tag: [tags.bool, tags.null], color: "var(--memory-literal)" },
]);

function start(area) {
  const place = document.createElement("div");
  place.className = "editor";
  area.before(place);
  const root = place.attachShadow({ mode: "open" });
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: area.value,
      extensions: [
        lineNumbers(), foldGutter(), highlightSpecialChars(), history(), drawSelection(), bracketMatching(),
        highlightActiveLine(), json(), linter(jsonParseLinter(), { delay: 500 }), syntaxHighlighting(colours), theme,
        EditorView.lineWrapping, EditorState.tabSize.of(2),
        EditorView.contentAttributes.of({ "aria-label": "JSON value", id: "editor", spellcheck: "false" }),
        keymap.of([...defaultKeymap, ...historyKeymap, ...foldKeymap]),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) area.value = update.state.doc.toString();
        }),
      ],
    }),
  });
  area.hidden = true;
  area.form.querySelector("label[for=value]").addEventListener("click", () => view.focus());
  if (area.dataset.faultLine) {
    const line = view.state.doc.line(Math.min(Number(area.dataset.faultLine), view.state.doc.lines));
    const at = Math.min(line.from + Number(area.dataset.faultColumn) - 1, line.to);
    view.dispatch({ selection: { anchor: at }, scrollIntoView: true });
    view.focus();
  }
}

const area = document.getElementById("value");
if (area && area.value.length <= LARGEST) start(area);
