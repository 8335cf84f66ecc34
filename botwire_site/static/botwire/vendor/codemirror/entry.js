// What the operators' editor uses of CodeMirror 6; `build.sh` bundles exactly this.
export { EditorState } from "@codemirror/state";
export {
  EditorView, drawSelection, highlightActiveLine, highlightSpecialChars, keymap, lineNumbers,
} from "@codemirror/view";
export { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
export { HighlightStyle, bracketMatching, foldGutter, foldKeymap, syntaxHighlighting } from "@codemirror/language";
export { json, jsonParseLinter } from "@codemirror/lang-json";
export { linter } from "@codemirror/lint";
export { tags } from "@lezer/highlight";
