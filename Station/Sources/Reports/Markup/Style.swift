/// How reports and the dashboard look alike: light, dark, and on paper.
public let commonStyle = """
    :root { color-scheme: light dark; --page: #f6f7f9; --card: #fff; --text: #16191d; --quiet: #5b6570; --line: #dde1e6;
      --good: #16793a; --bad: #c22718; --warn: #8a5a00; --busy: #1f5fbf; --on: #fff; }
    @media (prefers-color-scheme: dark) { :root { --page: #0f1216; --card: #191d23; --text: #eceff3; --quiet: #9ba6b2;
      --line: #313843; --good: #2fa65a; --bad: #f0604f; --warn: #d9a441; --busy: #5c9dff; --on: #0b0d10; } }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--page); color: var(--text);
      font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif; }
    h1 { font-size: 1.6rem; line-height: 1.2; margin: 0; }
    h2 { font-size: 1.05rem; margin: 0 0 .6rem; }
    a { color: var(--busy); }
    code, .code { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .86em; overflow-wrap: anywhere; }
    .quiet { color: var(--quiet); }
    .card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.2rem; }
    table { border-collapse: collapse; width: 100%; }
    th { text-align: left; font-weight: 600; color: var(--quiet); font-size: .86rem; }
    th, td { padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
    td { overflow-wrap: anywhere; }
    tbody tr:last-child > * { border-bottom: 0; }
    .number { text-align: right; font-variant-numeric: tabular-nums; }
    .word { font-weight: 700; white-space: nowrap; }
    .word.pass { color: var(--good); } .word.fail { color: var(--bad); } .word.left { color: var(--warn); }
    .word.busy { color: var(--busy); }
    .figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .8rem; margin: 0; }
    .figures div { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .7rem 1rem; }
    .figures dt { color: var(--quiet); font-size: .86rem; }
    .figures dd { margin: 0; font-size: 1.55rem; font-weight: 700; font-variant-numeric: tabular-nums; }
    .chart { display: block; width: 100%; height: auto; max-width: 60rem; }
    .chart text { fill: var(--text); font-size: 13px; } .chart text.quiet { fill: var(--quiet); font-size: 12px; }
    .chart text.strong { font-weight: 700; }
    .chart .good { fill: var(--good); } .chart .bad { fill: var(--bad); } .chart .grid { stroke: var(--line); }
    .chart polyline { fill: none; stroke-width: 2; } .chart polyline.sum { stroke: var(--quiet); stroke-dasharray: 4 3; }
    .chart circle.sum { fill: var(--card); stroke: var(--quiet); stroke-width: 2; }
    .chart polyline.issued { stroke: var(--busy); }
    .legend { color: var(--quiet); font-size: .86rem; margin: .4rem 0 0; }
    .legend i { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin: 0 .35em 0 .8em; }
    .legend i.good { background: var(--good); } .legend i.bad { background: var(--bad); }
    .legend i.issued { background: var(--busy); height: .2em; vertical-align: middle; }
    """
