// What a dashboard may hold, in Grafana's own words: the kinds of panels that we use, told apart by their type.
import type { GraphFieldConfig, TableFieldOptions } from '@grafana/schema'
import type * as stat from './node_modules/@grafana/schema/dist/types/raw/composable/stat/panelcfg/x/types.gen'
import type * as table from './node_modules/@grafana/schema/dist/types/raw/composable/table/panelcfg/x/types.gen'
import type * as timeseries from './node_modules/@grafana/schema/dist/types/raw/composable/timeseries/panelcfg/x/types.gen'
import type * as raw from './node_modules/@grafana/schema/dist/types/raw/dashboard/x/types.gen'

// Grafana fills in the options that a file leaves out.
interface Of<Type extends string, Options, Custom> extends Omit<raw.Panel, 'type' | 'options' | 'fieldConfig'> {
  type: Type
  options?: Partial<Options>
  fieldConfig?: Omit<raw.FieldConfigSource, 'defaults'> & {
    defaults: Omit<raw.FieldConfig, 'custom'> & { custom?: Partial<Custom> }
  }
}

type Shown =
  | Of<'timeseries', timeseries.Options, GraphFieldConfig>
  | Of<'stat', stat.Options, Record<string, never>>
  | Of<'table', table.Options, TableFieldOptions>
  | raw.RowPanel

// The common schema leaves out what a data source reads of an annotation; these are Prometheus'
// (grafana-prometheus, annotations.ts: prepareAnnotation, processEvents).
interface Annotation extends raw.AnnotationQuery {
  expr: string
  step?: string
  titleFormat?: string
  textFormat?: string
  tagKeys?: string
}

export interface Board extends Omit<raw.Dashboard, 'panels' | 'annotations'> {
  panels?: Shown[]
  annotations?: { list?: Annotation[] }
}
