// A checkbox in a table's head that selects every row. Without script the head says "Select", and each row is ticked.
for (const place of document.querySelectorAll("[data-select-all]")) {
  const rows = [...document.querySelectorAll(`input[type=checkbox][name="${place.dataset.selectAll}"]`)];
  const all = document.createElement("input");
  all.type = "checkbox";
  all.setAttribute("aria-label", "Select all on this page");
  const show = () => {
    const chosen = rows.filter((row) => row.checked).length;
    all.checked = chosen === rows.length;
    all.indeterminate = chosen > 0 && chosen < rows.length;
  };
  all.addEventListener("change", () => rows.forEach((row) => (row.checked = all.checked)));
  rows.forEach((row) => row.addEventListener("change", show));
  place.replaceChildren(all);
  show(); // after "back", the browser may have restored ticks
}
