/// Beside what reports have, too.
let pageStyle = """

    header { display: flex; flex-wrap: wrap; align-items: center; gap: .6rem 1.4rem; padding: .8rem 1.5rem; background: var(--card);
      border-bottom: 1px solid var(--line); }
    header p { margin: 0; } nav { display: flex; gap: 1rem; }
    .station { font-size: 1.15rem; font-weight: 700; color: var(--text); text-decoration: none; }
    form { flex: 1 1 18rem; } input { width: 100%; font: inherit; font-size: 1.1rem; padding: .45rem .8rem; color: var(--text);
      background: var(--page); border: 2px solid var(--line); border-radius: 8px; }
    input:focus { outline: none; border-color: var(--busy); }
    main { display: grid; gap: 1.2rem; padding: 1.2rem 1.5rem 2rem; max-width: 110rem; margin: 0 auto; }
    #stale { margin: 0; padding: .8rem 1.5rem; background: var(--bad); color: var(--on); font-size: 1.4rem; font-weight: 700; }
    #stale:not([hidden]) ~ main { opacity: .35; }
    .places { display: grid; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); gap: 1rem; }
    .place { border-radius: 12px; padding: .8rem 1.1rem 1rem; background: var(--tile); color: var(--on); min-width: 0; }
    .place p { margin: 0; overflow-wrap: anywhere; } .place a { color: inherit; text-decoration: none; }
    .place .name { display: flex; justify-content: space-between; font-weight: 600; font-variant-numeric: tabular-nums; }
    .place .outcome { font-size: clamp(3rem, 25cqi, 7rem); line-height: 1.1; white-space: nowrap; font-weight: 800; letter-spacing: .01em; }
    .place .serial { font-size: 1.5rem; font-weight: 700; line-height: 1.25; }
    .place .detail { min-height: 1.5em; }
    .place.pass { --tile: var(--good); } .place.fail { --tile: var(--bad); }
    .place.left { background: var(--card); color: var(--warn); box-shadow: inset 0 0 0 4px var(--warn); }
    .place.busy, .place.made { background: var(--card); color: var(--text); box-shadow: inset 0 0 0 4px var(--busy); }
    .place.busy .outcome, .place.made .outcome { color: var(--busy); }
    .place.idle { background: var(--card); color: var(--quiet); box-shadow: inset 0 0 0 1px var(--line); }
    .place { display: flex; flex-direction: column; container-type: inline-size; } .place .before { margin-top: auto; padding-top: .4rem; }
    .before b { padding: .1rem .5rem; border-radius: 5px; border: 2px solid currentColor; }
    .before .pass { background: var(--good); color: #fff; } .before .fail { background: var(--bad); color: #fff; }
    .place.fail .detail { font-weight: 600; }
    .warning { border-color: var(--warn); border-width: 2px; }
    .batch { display: grid; grid-template-columns: minmax(6rem, 14rem) 1fr 24rem; gap: 1rem; align-items: center; padding: .3rem 0; }
    .batch p { margin: 0; overflow-wrap: anywhere; } .batch svg { width: 100%; height: 14px; border-radius: 7px; }
    .batch .rest { fill: var(--line); } .batch .good { fill: var(--good); } .batch .bad { fill: var(--bad); }
    .batch .open { fill: var(--busy); }
    .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(26rem, 1fr)); gap: 1.2rem; }
    td.serial { min-width: 9rem; } .when { white-space: nowrap; font-variant-numeric: tabular-nums; }
    .device { display: grid; grid-template-columns: minmax(17rem, 1fr) 2fr; gap: 1.2rem; }
    .card h1 { margin-bottom: .6rem; } .device h1 { overflow-wrap: anywhere; } .device th { width: 9rem; }
    .card { min-width: 0; overflow-x: auto; }
    @media (max-width: 44rem) { .device, .batch { grid-template-columns: 1fr; } .charts { grid-template-columns: 1fr; } }
    @media (prefers-color-scheme: dark) { .place.pass, .place.fail { color: #fff; }
      .place.pass { --tile: #1c7a3e; } .place.fail { --tile: #b3301f; } }
    """

/// Fetches the page anew every two seconds, and puts what is live into its place; what cannot be fetched is said, since an old PASS
/// looks like a new one. What is typed anywhere goes to the field, as a scanner types.
let pageScript = """
    "use strict";
    const part = (page, name) => page.getElementById(name);
    async function refresh() {
      try {
        const reply = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(10000) });
        if (!reply.ok) throw new Error(reply.statusText);
        const page = new DOMParser().parseFromString(await reply.text(), "text/html");
        for (const name of ["live", "as-of"]) {
          const here = part(document, name), now = part(page, name);
          if (here.innerHTML !== now.innerHTML) here.replaceChildren(...now.childNodes);
        }
        part(document, "stale").hidden = true;
      } catch {
        part(document, "stale").hidden = false;
      }
      setTimeout(refresh, 2000);
    }
    document.addEventListener("keydown", (event) => {
      const field = part(document, "scan");
      if (event.key.length === 1 && !event.ctrlKey && !event.altKey && !event.metaKey) field.focus();
    });
    setTimeout(refresh, 2000);

    """
