package batchtest

// look is how a verdict is drawn. The colours are those of Okabe and Ito, which are distinct for every
// kind of colour vision. The marks are distinct without colour.
type look struct {
	Name string
	Fill string
	Ink  string
	Mark string // the data of an SVG path centred on 0 0
}

func (v verdict) look() look {
	const light, dark = "#ffffff", "#1f2328"
	switch v {
	case failed:
		return look{"failed", "#c9480f", light, "M-3.5-3.5l7 7m0-7l-7 7"}
	case running:
		return look{"still running", "#0072b2", light, "M-3.5-4.5h7l-7 9h7z"}
	case blocked:
		return look{"blocked by another", "#e69f00", dark, "M-2.5-3.5v7m5-7v7"}
	case notReached:
		return look{"not reached", "#c8ced6", dark, "M-3.5 0h7"}
	case reported:
		return look{"reported", "#cc79a7", dark, "M0-4.5v5.5m0 3.2v.3"}
	case again:
		return look{"finished, yet redelivered", "#f0e442", dark, "M2.8-2.8a4 4 0 1 0 1.2 2.8m-.9-6v3.2h-3.2"}
	}
	return look{"finished", "#00805d", light, "M-4 .2l2.8 2.8 5.2-6"}
}

// endLook is how the fate of a record is drawn.
type endLook struct {
	Name   string
	Ink    string
	Weight string
}

func endLookOf(fate string) endLook {
	switch fate {
	case "deleted", "delivered", "dropped":
		return endLook{fate, "#57606a", "normal"}
	case stillThere:
		return endLook{fate, "#0a5a8c", "bold"}
	}
	return endLook{fate, "#a83a08", "bold"}
}
