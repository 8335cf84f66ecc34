// A button on each block of code that copies it. Without this script, code is selected by hand.

function addButton(block) {
  const frame = document.createElement("div");
  frame.className = "copied-from";
  block.replaceWith(frame);
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.addEventListener("click", () => copy(block, button));
  frame.append(block, button);
}

async function copy(block, button) {
  try {
    await navigator.clipboard.writeText(block.textContent.replace(/\n$/, ""));
    button.textContent = "Copied";
  } catch {
    // Browsers give the clipboard to pages over HTTPS, and on this machine, alone.
    getSelection().selectAllChildren(block);
    button.textContent = "Selected";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
}

for (const code of document.querySelectorAll("article pre > code, pre > code[class^=language-]")) {
  addButton(code.parentElement);
}
