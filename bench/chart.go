package main

// The chart that the README of the library shows.

import (
	"fmt"
	"image/color"
	"os"
	"strings"

	"github.com/samber/lo"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// bars are the rivals in the chart, the slowest first.
var bars = []struct {
	rival string
	color color.RGBA
}{
	{byHand, color.RGBA{0x9a, 0xa0, 0xa6, 0xff}},
	{powerAsync, color.RGBA{0xf4, 0xb2, 0x6b, 0xff}},
	{powertools, color.RGBA{0xe0, 0x7b, 0x1a, 0xff}},
	{libraryV1, color.RGBA{0x7f, 0xb3, 0xe0, 0xff}},
	{libraryV2, color.RGBA{0x1a, 0x66, 0xb3, 0xff}},
}

const barWidth = vg.Length(26)

// drawChart draws the CPU time per message, by the size of the batch.
func (r *results) drawChart(path string) error {
	p := plot.New()
	p.Title.Text = "CPU time per SQS message, payload bytes to response bytes"
	p.Y.Label.Text = "µs per message"
	p.Y.Min = 0
	p.Legend.Top = true
	p.Add(horizontalLines())
	for i, bar := range bars {
		if err := r.addBar(p, i, bar.rival, bar.color); err != nil {
			return err
		}
	}
	p.Y.Max *= 1.25 // room for the legend
	p.NominalX(lo.Map(sizes, func(s size, _ int) string { return fmt.Sprintf("%d messages", s.n) })...)
	p.X.Min, p.X.Max = -0.5, float64(len(sizes))-0.5
	p.Legend.Padding, p.Legend.XOffs, p.Legend.YOffs = 4, -6, 6
	for _, style := range []*text.Style{&p.Title.TextStyle, &p.X.Label.TextStyle, &p.Y.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label, &p.Legend.TextStyle} {
		style.Font = sans(13)
	}
	p.Title.TextStyle.Font = sans(16)
	p.Title.Padding = 14
	p.Y.Label.Padding, p.X.Padding, p.Y.Padding = 6, 0, 0
	return save(p, path)
}

func horizontalLines() *plotter.Grid {
	grid := plotter.NewGrid()
	grid.Vertical.Color = nil
	grid.Horizontal.Color = color.Gray{0xe4}
	return grid
}

func (r *results) addBar(p *plot.Plot, at int, rival string, fill color.Color) error {
	values := make(plotter.Values, len(sizes))
	labels := plotter.XYLabels{XYs: make(plotter.XYs, len(sizes)), Labels: make([]string, len(sizes))}
	for i, size := range sizes {
		values[i] = r.costs["sqs"][size.String()][rival].CPU / 1e3
		labels.XYs[i] = plotter.XY{X: float64(i), Y: values[i]}
		labels.Labels[i] = fmt.Sprintf("%.1f", values[i])
	}
	bar, err := plotter.NewBarChart(values, barWidth)
	if err != nil {
		return err
	}
	bar.Color, bar.LineStyle.Width = fill, 0
	bar.Offset = barWidth * vg.Length(float64(at)-float64(len(bars)-1)/2)
	figures, err := plotter.NewLabels(labels)
	if err != nil {
		return err
	}
	figures.Offset = vg.Point{X: bar.Offset, Y: 3}
	for i := range figures.TextStyle {
		figures.TextStyle[i].Font = sans(10)
		figures.TextStyle[i].XAlign = draw.XCenter
	}
	p.Add(bar, figures)
	p.Legend.Add(rival, bar)
	return nil
}

func sans(size vg.Length) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
}

// save writes an SVG. A browser without Liberation Sans shows its text in another sans-serif font.
func save(p *plot.Plot, path string) error {
	const width, height, margin = 840, 440, 12
	canvas := vgsvg.New(width, height)
	p.Draw(draw.Crop(draw.New(canvas), margin, -margin, margin, -margin))
	var svg strings.Builder
	if _, err := canvas.WriteTo(&svg); err != nil {
		return err
	}
	anyFont := strings.ReplaceAll(svg.String(), "font-family:Liberation Sans;", "font-family:Liberation Sans,Helvetica,Arial,sans-serif;")
	return os.WriteFile(path, []byte(anyFont), 0o644)
}
